"""Four public sample databases, described anew: which columns, keys and references each table has.

A paragraph is a table: its name, then statements, separated by semicolons:

    price numeric(10,2) null = 0    a column: name, type, whether it may be NULL, its default
    key order_id product_id         the primary key; by default the first column
    unique name                     further columns whose values identify a row
    order_id -> orders              a foreign key, to the primary key of a table

Names are as PostgreSQL folds them. `serial` is an integer that a sequence gives by default.
Partitions of a table do not count as tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.unit.tables.adventureworks import ADVENTUREWORKS

NORTHWIND = """
categories: category_id smallint; category_name varchar(15); description text null;
  picture bytea null

customer_customer_demo: customer_id bpchar; customer_type_id bpchar;
  key customer_id customer_type_id;
  customer_id -> customers; customer_type_id -> customer_demographics

customer_demographics: customer_type_id bpchar; customer_desc text null

customers: customer_id bpchar; company_name varchar(40); contact_name varchar(30) null;
  contact_title varchar(30) null; address varchar(60) null; city varchar(15) null;
  region varchar(15) null; postal_code varchar(10) null; country varchar(15) null;
  phone varchar(24) null; fax varchar(24) null

employees: employee_id smallint; last_name varchar(20); first_name varchar(10);
  title varchar(30) null; title_of_courtesy varchar(25) null; birth_date date null;
  hire_date date null; address varchar(60) null; city varchar(15) null; region varchar(15) null;
  postal_code varchar(10) null; country varchar(15) null; home_phone varchar(24) null;
  extension varchar(4) null; photo bytea null; notes text null; reports_to smallint null;
  photo_path varchar(255) null;
  reports_to -> employees

employee_territories: employee_id smallint; territory_id varchar(20);
  key employee_id territory_id; employee_id -> employees; territory_id -> territories

order_details: order_id smallint; product_id smallint; unit_price real; quantity smallint;
  discount real;
  key order_id product_id; order_id -> orders; product_id -> products

orders: order_id smallint; customer_id bpchar null; employee_id smallint null;
  order_date date null; required_date date null; shipped_date date null; ship_via smallint null;
  freight real null; ship_name varchar(40) null; ship_address varchar(60) null;
  ship_city varchar(15) null; ship_region varchar(15) null; ship_postal_code varchar(10) null;
  ship_country varchar(15) null;
  customer_id -> customers; employee_id -> employees; ship_via -> shippers

products: product_id smallint; product_name varchar(40); supplier_id smallint null;
  category_id smallint null; quantity_per_unit varchar(20) null; unit_price real null;
  units_in_stock smallint null; units_on_order smallint null; reorder_level smallint null;
  discontinued int;
  supplier_id -> suppliers; category_id -> categories

region: region_id smallint; region_description bpchar

shippers: shipper_id smallint; company_name varchar(40); phone varchar(24) null

suppliers: supplier_id smallint; company_name varchar(40); contact_name varchar(30) null;
  contact_title varchar(30) null; address varchar(60) null; city varchar(15) null;
  region varchar(15) null; postal_code varchar(10) null; country varchar(15) null;
  phone varchar(24) null; fax varchar(24) null; homepage text null

territories: territory_id varchar(20); territory_description bpchar; region_id smallint;
  region_id -> region

us_states: state_id smallint; state_name varchar(100) null; state_abbr varchar(2) null;
  state_region varchar(50) null
"""

CHINOOK = """
album: album_id int; title varchar(160); artist_id int; artist_id -> artist

artist: artist_id int; name varchar(120) null

customer: customer_id int; first_name varchar(40); last_name varchar(20); company varchar(80) null;
  address varchar(70) null; city varchar(40) null; state varchar(40) null;
  country varchar(40) null; postal_code varchar(10) null; phone varchar(24) null;
  fax varchar(24) null; email varchar(60); support_rep_id int null;
  support_rep_id -> employee

employee: employee_id int; last_name varchar(20); first_name varchar(20); title varchar(30) null;
  reports_to int null; birth_date timestamp null; hire_date timestamp null;
  address varchar(70) null; city varchar(40) null; state varchar(40) null;
  country varchar(40) null; postal_code varchar(10) null; phone varchar(24) null;
  fax varchar(24) null; email varchar(60) null;
  reports_to -> employee

genre: genre_id int; name varchar(120) null

invoice: invoice_id int; customer_id int; invoice_date timestamp; billing_address varchar(70) null;
  billing_city varchar(40) null; billing_state varchar(40) null; billing_country varchar(40) null;
  billing_postal_code varchar(10) null; total numeric(10,2);
  customer_id -> customer

invoice_line: invoice_line_id int; invoice_id int; track_id int; unit_price numeric(10,2);
  quantity int;
  invoice_id -> invoice; track_id -> track

media_type: media_type_id int; name varchar(120) null

playlist: playlist_id int; name varchar(120) null

playlist_track: playlist_id int; track_id int;
  key playlist_id track_id; playlist_id -> playlist; track_id -> track

track: track_id int; name varchar(200); album_id int null; media_type_id int; genre_id int null;
  composer varchar(220) null; milliseconds int; bytes int null; unit_price numeric(10,2);
  album_id -> album; media_type_id -> media_type; genre_id -> genre
"""

PAGILA = """
actor: actor_id serial; first_name text; last_name text; last_update timestamptz = now()

address: address_id serial; address text; address2 text null; district text; city_id int;
  postal_code text null; phone text; last_update timestamptz = now();
  city_id -> city

category: category_id serial; name text; last_update timestamptz = now()

city: city_id serial; city text; country_id int; last_update timestamptz = now();
  country_id -> country

country: country_id serial; country text; last_update timestamptz = now()

customer: customer_id serial; store_id int; first_name text; last_name text; email text null;
  address_id int; activebool bool = true; create_date date = now();
  last_update timestamptz null = now(); active int null;
  store_id -> store; address_id -> address

film: film_id serial; title text; description text null; release_year year null; language_id int;
  original_language_id int null; rental_duration smallint = 3; rental_rate numeric(4,2) = 4.99;
  length smallint null; replacement_cost numeric(5,2) = 19.99;
  rating enum(G,PG,PG-13,R,NC-17) null = G; last_update timestamptz = now();
  special_features text[] null; fulltext tsvector;
  language_id -> language; original_language_id -> language

film_actor: actor_id int; film_id int; last_update timestamptz = now();
  key actor_id film_id; actor_id -> actor; film_id -> film

film_category: film_id int; category_id int; last_update timestamptz = now();
  key film_id category_id; film_id -> film; category_id -> category

inventory: inventory_id serial; film_id int; store_id int; last_update timestamptz = now();
  film_id -> film; store_id -> store

language: language_id serial; name char(20); last_update timestamptz = now()

packages_apt_postgresql_org: id serial; last_updated timestamp null = now(); aptdata jsonb null

packages_yum_postgresql_org: id serial; last_updated timestamp null = now(); yumdata jsonb null

payment: payment_id serial; customer_id int; staff_id int; rental_id int; amount numeric(5,2);
  payment_date timestamptz;
  key payment_date payment_id;
  customer_id -> customer; staff_id -> staff; rental_id -> rental

rental: rental_id serial; rental_date timestamptz; inventory_id int; customer_id int;
  return_date timestamptz null; staff_id int; last_update timestamptz = now();
  unique rental_date inventory_id customer_id;
  inventory_id -> inventory; customer_id -> customer; staff_id -> staff

staff: staff_id serial; first_name text; last_name text; address_id int; email text null;
  store_id int; active bool = true; username text; password text null;
  last_update timestamptz = now(); picture bytea null;
  address_id -> address; store_id -> store

store: store_id serial; manager_staff_id int; address_id int; last_update timestamptz = now();
  unique manager_staff_id; address_id -> address
"""


@dataclass(frozen=True)
class Column:
    """A column; `default` is the text after the equals sign, such as `0` or `now()`."""

    name: str
    type: str
    nullable: bool
    default: str | None


@dataclass(frozen=True)
class Description:
    """A table of a sample database; references are their columns and the table referred to."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    references: tuple[tuple[tuple[str, ...], str], ...]


def _column(statement: str) -> Column:
    before, _, default = statement.partition(" = ")
    name, type_, *null = before.split()
    return Column(name, type_, null == ["null"], default or None)


def _table(paragraph: str) -> Description:
    name, _, rest = paragraph.partition(":")
    columns, references, unique = [], [], []
    key: tuple[str, ...] = ()
    for statement in (" ".join(one.split()) for one in rest.split(";")):
        first, *others = statement.split()
        if first == "key":
            key = tuple(others)
        elif first == "unique":
            unique.append(tuple(others))
        elif "->" in others:
            *fields, _, parent = statement.split()
            references.append((tuple(fields), parent))
        else:
            columns.append(_column(statement))
    return Description(
        name.strip(), tuple(columns), key or (columns[0].name,), tuple(unique), tuple(references)
    )


def _tables(text: str) -> Iterator[tuple[str, Description]]:
    for paragraph in text.strip().split("\n\n"):
        if paragraph.strip():
            table = _table(paragraph)
            yield table.name, table


DATABASES: Mapping[str, Mapping[str, Description]] = {
    "northwind": dict(_tables(NORTHWIND)),
    "chinook": dict(_tables(CHINOOK)),
    "pagila": dict(_tables(PAGILA)),
    "adventureworks": dict(_tables(ADVENTUREWORKS)),
}
"""The tables of each database by name."""
