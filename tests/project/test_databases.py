"""DATABASE_URL: two kinds of database, each with its options, and nothing else."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from researchmind.databases import database


def read(url, synchronous="FULL"):
    return database(url, sqlite_path=Path("/srv/data/db.sqlite3"), synchronous=synchronous, threads=3)


def test_embedded():
    config = read("")
    assert config["ENGINE"] == "researchmind.sqlite3"
    assert config["NAME"] == Path("/srv/data/db.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]
    assert "synchronous=FULL" in config["OPTIONS"]["init_command"]
    assert "synchronous=NORMAL" in read("", "NORMAL")["OPTIONS"]["init_command"]


def test_a_file_elsewhere():
    assert read("sqlite:////srv/other.sqlite3")["NAME"] == Path("/srv/other.sqlite3")


def test_postgresql():
    config = read("postgresql://user:p%40ss@db.example:5433/research?sslmode=require")
    assert (config["USER"], config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == (
        "user", "p@ss", "db.example", 5433, "research",
    )  # fmt: skip
    assert config["ENGINE"] == "researchmind.postgresql"
    assert config["CONN_MAX_AGE"] == 0
    assert config["OPTIONS"]["sslmode"] == "require"
    assert (config["OPTIONS"]["pool"]["min_size"], config["OPTIONS"]["pool"]["max_size"]) == (2, 7)


def test_a_socket():
    config = read("postgres://user@%2Frun%2Fpostgresql/research")
    assert (config["HOST"], config["NAME"]) == ("/run/postgresql", "research")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user@host/name", "nonsense", "postgresql://", "postgresql://user@host/", "sqlite://:memory:",
        "postgresql://user@host:port/name", "://", "postgresql", "oracle://x/y",
    ],
)  # fmt: skip
def test_anything_else(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must be"):
        read(url)


def test_durability_has_two_names():
    with pytest.raises(ImproperlyConfigured, match="FULL or NORMAL"):
        read("", "OFF")
