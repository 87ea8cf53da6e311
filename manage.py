#!/usr/bin/env python
"""Django's command line for ResearchMind."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "researchmind.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        said = " ".join(str(error).split())
        sys.exit(f"The database can't be used: {said}. Is it there, is DATABASE_URL right, was `migrate` run?")
    except ImproperlyConfigured as error:  # one line that says what to set, without where in the code it was missed
        sys.exit(str(error))


if __name__ == "__main__":
    main()
