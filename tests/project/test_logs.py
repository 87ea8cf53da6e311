"""Logs: one line an event, machine-readable, with nothing in it that a user could break it with."""

import json
import logging
import logging.config

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured

from researchmind.logs import logging_config


@pytest.fixture
def line():
    """Formats a record as the server would and returns the line."""
    config = logging_config("INFO", "json")["formatters"]["events"]
    formatter = config["()"](processors=config["processors"], foreign_pre_chain=config["foreign_pre_chain"])

    def format_record(message, *args, **extra):
        record = logging.LogRecord("some.logger", logging.WARNING, __file__, 1, message, args, extra.get("exc_info"))
        return formatter.format(record)

    return format_record


def test_an_event_is_one_line_of_json(line):
    text = line("Not found: %s", '/x\n{"level": "forged"}\r\u2028\x1b[31m')
    assert "\n" not in text
    assert "\r" not in text
    assert "\x1b" not in text
    event = json.loads(text)
    assert event["event"] == 'Not found: /x\n{"level": "forged"}\r\u2028\x1b[31m'
    assert (event["level"], event["logger"]) == ("warning", "some.logger")
    assert event["timestamp"].endswith("Z")


def test_the_request_s_id_is_in_it(line):
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        assert json.loads(line("x"))["request_id"] == "abc"


def test_a_traceback_is_in_the_same_line(line):
    try:
        raise ZeroDivisionError("no")
    except ZeroDivisionError as error:
        text = line("x", exc_info=(type(error), error, error.__traceback__))
    assert "\n" not in text
    assert "ZeroDivisionError: no" in json.loads(text)["exception"]


def test_for_people():
    config = logging_config("DEBUG", "console")
    assert config["root"]["level"] == "DEBUG"
    logging.config.DictConfigurator(config)


@pytest.mark.parametrize(("level", "form"), [("LOUD", "json"), ("info", "json"), ("INFO", "xml")])
def test_what_there_is_not(level, form):
    with pytest.raises(ImproperlyConfigured, match="must be"):
        logging_config(level, form)
