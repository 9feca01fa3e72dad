-- Stage rows from COPY text.
copy {staging} (position, {fields})
from stdin (null '')
