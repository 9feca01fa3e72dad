"""The tree of errors.

TablegateError
├── PermanentError            retrying cannot help: report it, move the work to the dead letters
│   ├── ConfigurationError      a setting is missing or wrong
│   ├── UnknownTable            the dictionary has no table of that name
│   ├── UnreadableFile          a file that cannot be read as CSV of its table
│   ├── MalformedMessage        an event or message of the wrong shape
│   ├── UnusableParameter       a metric has no answer for what a call asks
│   ├── DatabaseRefusal         the database understood and will never accept it
│   ├── WarehouseRefusal        BigQuery understood and will never accept it
│   └── WarehouseDiffers        BigQuery does not hold what it was sent
└── TransientError            the same call may succeed later: have the event delivered again
    ├── DatabaseUnavailable     no connection, or one that broke
    ├── DatabaseBusy            a lock, deadlock or serialization failure
    ├── StorageUnavailable      Cloud Storage did not answer
    ├── MessagesUnavailable     Pub/Sub did not take the message
    ├── BackfillUnavailable     Dataflow did not take a file
    └── WarehouseUnavailable    BigQuery did not answer, or the job can be repeated
"""


class TablegateError(Exception):
    """The base of all errors. `str()` gives one line that ends with the remedy."""


class PermanentError(TablegateError):
    """Retrying cannot help."""


class TransientError(TablegateError):
    """The same call may succeed later."""


class ConfigurationError(PermanentError):
    """A setting is missing or wrong."""


class UnknownTable(PermanentError):
    """The dictionary has no table of this name.

    Attributes:
        name: the name that was asked for.
        known: the names of the tables.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(f"There is no table {name!r}; the tables are {', '.join(known)}.")


class UnreadableFile(PermanentError):
    """A file cannot be read as CSV of its table.

    Attributes:
        code: a stable word for the kind, such as `not_utf8` or `header_drifted`.
        facts: what was found, as plain values.
    """

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        super().__init__(sentence)


class MalformedMessage(PermanentError):
    """An event or message does not have the shape that its topic promises."""


class UnusableParameter(PermanentError):
    """A call asks a metric for something that it has no answer for."""


class DatabaseRefusal(PermanentError):
    """The database understood the statement and will never accept it."""


class WarehouseRefusal(PermanentError):
    """BigQuery understood the call and will never accept it."""


class WarehouseDiffers(PermanentError):
    """What BigQuery holds is not what it was sent; nothing was merged."""


class DatabaseUnavailable(TransientError):
    """The database could not be reached, or the connection broke."""


class DatabaseBusy(TransientError):
    """A lock could not be acquired in time, or concurrent work got in the way."""


class StorageUnavailable(TransientError):
    """Cloud Storage did not answer, or asked to try again."""


class MessagesUnavailable(TransientError):
    """Pub/Sub did not acknowledge a message."""


class BackfillUnavailable(TransientError):
    """Dataflow did not answer, or asked to try again."""


class WarehouseUnavailable(TransientError):
    """BigQuery did not answer, or a job failed in a way that can be repeated."""
