"""Every error, drawn as one tree: the class says what happens next.

PmoWatchError
  ConfigError             a person must change a file or an option; exit code 2; never retried
    SettingsError, RuleFileError, PluginError
  SourceError             one source, this cycle; its alerts freeze, they do not resolve
    SourceUnavailable     the next cycle may succeed
    SourceRefused         it answered and said no: someone must act
    SourceDataError       not what the source documents
  RuleError               one rule on this snapshot; the others go on
  DeliveryError           one message to one recipient
    DeliveryDeferred      again later
    DeliveryRejected      never
  StoreError              the database could not be opened, read or written; exit code 4
"""


class PmoWatchError(Exception):
    """Anything pmo-watch says in words instead of a traceback."""


class ConfigError(PmoWatchError):
    """A person must change a file or an option."""


class SettingsError(ConfigError):
    """The daemon's own settings are faulty; the text holds one line per fault."""


class RuleFileError(ConfigError):
    """Rule files are faulty; the text holds one line per fault."""


class PluginError(ConfigError):
    """A plugin that a setting or rule names could not be loaded; the text says why."""


class SourceError(PmoWatchError):
    """One source in this cycle: its rows stay as they were."""


class SourceUnavailable(SourceError):
    """Could not be reached, too busy or cut off; `retry_after` in seconds where it asked to be left alone so long."""

    def __init__(self, text: str = "", *, retry_after: float = 0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SourceRefused(SourceError):
    """It answered and said no; the text names the setting or right at fault and the remedy."""


class SourceDataError(SourceError):
    """An answer or file that is not what its documentation says; the text names file and line."""


class RuleError(PmoWatchError):
    """One rule on this snapshot."""


class DeliveryError(PmoWatchError):
    """One message to one recipient.

    `reason` is one of spec channels 1.2; `answer` what the other side said, redacted, at most 500 characters;
    `channel_fault` is true when the settings or rights of the notifier are at fault and not the message.
    """

    def __init__(self, reason: str, answer: str = "", *, channel_fault: bool = False) -> None:
        super().__init__(f"{reason}: {answer}" if answer else reason)
        self.reason = reason
        self.answer = answer[:500]
        self.channel_fault = channel_fault


class DeliveryDeferred(DeliveryError):
    """May work later, unchanged; `retry_after` in seconds where the other side named it."""

    def __init__(
        self, reason: str, answer: str = "", *, retry_after: float | None = None, channel_fault: bool = False
    ) -> None:
        super().__init__(reason, answer, channel_fault=channel_fault)
        self.retry_after = retry_after


class DeliveryRejected(DeliveryError):
    """This message will never go to this recipient by this notifier."""


class StoreError(PmoWatchError):
    """The database could not be opened, read or written."""
