"""The tree of faults.

Fault
├── PermanentFault            trying again cannot help: report it and put the work aside
│   ├── ConfigurationFault      a setting is missing or wrong
│   ├── UnknownTable            no table of that name in the dictionary
│   ├── UnreadableFile          a file that is no CSV of its table at all
│   ├── MalformedMessage        an event or message that is not of its shape
│   ├── UnusableYear            a year that metrics cannot be asked for
│   ├── DatabaseRefusal         the database understood and will never accept it
│   ├── WarehouseRefusal        BigQuery understood and will never accept it
│   └── WarehouseDiffers        what BigQuery holds is not what it was sent
└── TransientFault            the same call may succeed later: let the event be delivered again
    ├── DatabaseAway            no connection, or one that broke
    ├── DatabaseBusy            a lock, deadlock or serialization failure
    ├── StorageAway             Cloud Storage did not answer
    ├── MessagesAway            Pub/Sub did not take the message
    ├── BackfillAway            Dataflow did not take a file
    └── WarehouseAway           BigQuery did not answer, or the job can be repeated
"""


class Fault(Exception):
    """Something that went wrong, told by `str()` in one line with what to do about it last."""


class PermanentFault(Fault):
    """Trying again cannot help."""


class TransientFault(Fault):
    """The same call may succeed later."""


class ConfigurationFault(PermanentFault):
    """A setting is missing or wrong."""


class UnknownTable(PermanentFault):
    """No table of the dictionary has this name.

    Attributes:
        name: what was asked for.
        known: the tables there are.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(f"There is no table {name!r}; the tables are {', '.join(known)}.")


class UnreadableFile(PermanentFault):
    """A file that cannot be read as CSV of its table at all.

    Attributes:
        code: a stable word for the kind, such as `not_utf8` or `header_drifted`.
        facts: what was found, as plain values.
    """

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        super().__init__(sentence)


class MalformedMessage(PermanentFault):
    """An event or message that is not of the shape its topic promises."""


class UnusableYear(PermanentFault):
    """A year that metrics cannot be asked for."""


class DatabaseRefusal(PermanentFault):
    """The database understood the statement and will never accept it."""


class WarehouseRefusal(PermanentFault):
    """BigQuery understood the call and will never accept it."""


class WarehouseDiffers(PermanentFault):
    """What BigQuery holds is not what it was sent; nothing was merged."""


class DatabaseAway(TransientFault):
    """The database could not be reached, or the connection broke."""


class DatabaseBusy(TransientFault):
    """A lock was not had in time, or concurrent work got in the way."""


class StorageAway(TransientFault):
    """Cloud Storage did not answer, or asked to try again."""


class MessagesAway(TransientFault):
    """Pub/Sub did not acknowledge a message."""


class BackfillAway(TransientFault):
    """Dataflow did not answer, or asked to try again."""


class WarehouseAway(TransientFault):
    """BigQuery did not answer, or a job failed in a way that can be repeated."""
