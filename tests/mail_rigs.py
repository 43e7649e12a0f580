"""Exim and Postfix as Debian ships them, on loopback ports of an ordinary account; nothing is installed.

Both programs insist on accounts of their own, and Postfix on root. `nss_wrapper` and `uid_wrapper`, which Samba's tests
made for such programs, tell them what they want to hear.
"""

import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import trustme
from debian import debian_folder
from mail_server import PASSWORD, USER, free_port

PATIENCE_SECONDS = 20
ORDINARY = 65534  # the account that runs a server where the tests run as root
SPOOL = (
    *("active", "bounce", "defer", "deferred", "flush", "incoming"),
    *("maildrop", "pid", "private", "public", "saved", "trace"),
)
WRAPPERS = ("libnss-wrapper", "libuid-wrapper")


@dataclass
class RealServer:
    """A server: its port for STARTTLS, its port for TLS from the first byte, its mailboxes, and how it is run."""

    folder: Path
    port: int = field(default_factory=free_port)
    implicit_port: int = field(default_factory=free_port)
    command: Sequence[Path | str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it as an ordinary account, in a process group of its own, and return as soon as it answers."""
        account = ORDINARY if os.geteuid() == 0 else None
        with (self.folder / "log" / "out").open("a") as out:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, user=account, group=account, extra_groups=None if account is None else [],
            )  # fmt: skip
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it with all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)

    def _answers(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_SECONDS):
                return True
        except OSError:
            return False

    def mailbox(self, name: str, at_least: int = 1) -> list[EmailMessage]:
        """Return the mails that were delivered to somebody, as soon as there are so many."""
        end = time.monotonic() + PATIENCE_SECONDS
        while len(found := sorted((self.folder / "mail" / name / "new").glob("*"))) < at_least:
            assert time.monotonic() < end, f"{name} has {len(found)} mails\n{self.log()}"
            time.sleep(0.05)
        return [message_from_bytes(path.read_bytes(), policy=default) for path in found]

    def log(self) -> str:
        """Return what the server wrote about itself."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("log/*")))


@contextmanager
def exim(certificate: trustme.LeafCert) -> Iterator[RealServer]:
    """Run Exim: ann, bob, pmo and full are known, grey is asked to come back, mail to full bounces once taken."""
    unpacked = debian_folder("exim4-daemon-light", *WRAPPERS)
    with _workplace(certificate) as folder:
        server = RealServer(folder)
        program = folder / "exim"
        shutil.copy(unpacked / "usr/sbin/exim4", program)
        (folder / "exim.conf").write_text(_exim_settings(server, program))
        _accounts(folder, "Debian-exim")
        server.environment = _wrapped(folder, unpacked, *unpacked.glob("usr/lib/*-linux-*"))
        server.command = [program, "-C", folder / "exim.conf", "-bdf", "-q1m"]
        with _running(server):
            yield server


def _exim_settings(server: RealServer, program: Path) -> str:
    folder = server.folder
    return f"""
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/pid
keep_environment = LD_LIBRARY_PATH : LD_PRELOAD : ^NSS_WRAPPER
deliver_drop_privilege
primary_hostname = mx.pmo.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {server.port} : {server.implicit_port}
tls_on_connect_ports = {server.implicit_port}
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.pem
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
dsn_advertise_hosts = *
acl_smtp_rcpt = who

begin acl
who:
  defer   local_parts = grey
          message = 4.7.1 try again later
  require verify = recipient
  accept

begin routers
taken_then_refused:
  driver = redirect
  local_parts = full
  data = :fail: mailbox full
  allow_fail
  no_verify
known:
  driver = accept
  domains = pmo.test
  local_parts = ann : bob : pmo : full
  transport = into_mailbox

begin transports
into_mailbox:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format

begin authenticators
by_password:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}} {{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"""


@contextmanager
def postfix(certificate: trustme.LeafCert) -> Iterator[RealServer]:
    """Run Postfix, without sign-in: ann, pmo, lost and jürgen are known; mail to lost bounces once taken.

    grey is asked to come back, names that begin with blocked are refused by policy; a mail has at most 200 kB.
    """
    unpacked = debian_folder("postfix", *WRAPPERS)
    with _workplace(certificate) as folder:
        server = RealServer(folder)
        for name in SPOOL:
            (folder / "spool" / name).mkdir(parents=True)
        (folder / "main.cf").write_text(_postfix_settings(server, unpacked))
        (folder / "master.cf").write_text(_postfix_services(server))
        _accounts(folder, "postfix", "postdrop", "nobody")
        as_root = {"MAIL_CONFIG": str(folder), "UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"}
        server.environment = _wrapped(folder, unpacked, unpacked / "usr/lib/postfix") | as_root
        server.command = [unpacked / "usr/lib/postfix/sbin/master", "-d"]
        with _running(server):
            yield server


def _postfix_settings(server: RealServer, unpacked: Path) -> str:
    folder, account = server.folder, os.geteuid() or ORDINARY
    return f"""
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = {unpacked}/usr/lib/postfix/sbin
command_directory = {unpacked}/usr/sbin
shlib_directory = {unpacked}/usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG LD_LIBRARY_PATH LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  UID_WRAPPER UID_WRAPPER_ROOT
maillog_file = {folder}/log/mail
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.pmo.test
mydestination = pmo.test
mynetworks = 127.0.0.0/8
message_size_limit = 200000
alias_maps =
local_transport = virtual:
default_transport = error:5.1.2 nothing leaves this machine
local_recipient_maps = inline:{{ann=1, pmo=1, lost=1, jürgen=1}}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ann@pmo.test=ann/, pmo@pmo.test=pmo/, jürgen@pmo.test=jürgen/}}
virtual_minimum_uid = 1
virtual_uid_maps = static:{account}
virtual_gid_maps = static:{account}
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{grey@pmo.test=450 4.7.1 try again later}}, {{blocked1@pmo.test=550 5.7.1 policy}},
  {{blocked2@pmo.test=550 5.7.1 policy}}, {{blocked3@pmo.test=550 5.7.1 policy}}}}, permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/server.pem
"""


def _postfix_services(server: RealServer) -> str:
    lines = [
        f"127.0.0.1:{server.port} inet n - n - - smtpd",
        f"127.0.0.1:{server.implicit_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes",
        "pickup unix n - n 60 1 pickup",
        "qmgr unix n - n 300 1 qmgr",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "flush unix n - n 1000? 0 flush",
        "virtual unix - n n - - virtual",
        "postlog unix-dgram n - n - 1 postlogd",
        *(f"{name} unix - - n - 0 bounce" for name in ("bounce", "defer", "trace")),
        *(f"{name} unix n - n - 0 {name}" for name in ("cleanup", "error", "proxymap")),
        "anvil unix - - n - 1 anvil",
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def _workplace(certificate: trustme.LeafCert) -> Iterator[Path]:
    """Lend a folder that the server's account can reach, with a short name: names of sockets have 108 characters."""
    folder = Path(tempfile.mkdtemp(prefix="mx-"))
    try:
        for name in ("data", "log", "mail", "spool"):
            (folder / name).mkdir()
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        yield folder
    finally:
        shutil.rmtree(folder)


def _accounts(folder: Path, *names: str) -> None:
    """Write the accounts that the server is to see: the first is the one that it runs as."""
    first = os.geteuid() or ORDINARY
    ids = {"root": 0} | {name: first - number for number, name in enumerate(names)}
    (folder / "passwd").write_text("".join(f"{name}:x:{n}:{n}::/:/bin/false\n" for name, n in ids.items()))
    (folder / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in ids.items()))


def _wrapped(folder: Path, unpacked: Path, *libraries: Path) -> dict[str, str]:
    found = [str(path) for path in unpacked.glob("usr/lib/*/lib*_wrapper.so")]
    return {
        "PATH": os.defpath,
        "LD_LIBRARY_PATH": ":".join(str(path) for path in libraries),
        "LD_PRELOAD": " ".join(found),
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": str(folder / "group"),
    }


@contextmanager
def _running(server: RealServer) -> Iterator[None]:
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", server.folder], check=True)
    try:
        server.start()
        yield
    finally:
        server.stop()
