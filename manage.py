#!/usr/bin/env python
"""Django's command line for ResearchMind."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "researchmind.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # one line that says what to set, without where in the code it was missed
        sys.exit(str(error))


if __name__ == "__main__":
    main()
