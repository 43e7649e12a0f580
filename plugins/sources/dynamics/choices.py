"""What the numbers of choice columns mean (spec sources 3.6; model 3.4, 3.5, 3.9)."""

# Rows of a project that is being copied or imported, or where that failed: no project of anybody's yet.
UNFINISHED_REASONS = (192350001, 192350002, 192350011, 192350012)
CLOSED_REASON = 192350000
COST = 192350000  # transaction type; the other ones are sales
# Kinds of bookable resource that are somebody; 1 is a placeholder, 4 equipment, 6 to 8 crews, places and pools.
CONTACT, USER_KIND, ACCOUNT = 2, 3, 5

LINK_TYPES = {"0": "ff", "1": "fs", "2": "sf", "3": "ss"}
OLD_LINK_TYPES = {"192350000": "fs", "192350001": "ss", "192350002": "ff", "192350004": "sf"}
PRIORITIES = {
    **{str(number): "5" for number in (0, 1)},
    **{str(number): "4" for number in (2, 3, 4)},
    **{str(number): "3" for number in (5, 6, 7)},
    **{str(number): "2" for number in (8, 9, 10)},
}
ENTRY_STATUS = {
    "192350000": "draft",
    "192350001": "rejected",
    "192350002": "approved",
    "192350003": "submitted",
    "192350004": "submitted",
    "192354320": "rejected",  # cancelled: such rows are left out as a whole
}
CANCELLED_ENTRY = 192354320
YES_WHEN_ACTIVE = {"0": "true", "1": "false"}
