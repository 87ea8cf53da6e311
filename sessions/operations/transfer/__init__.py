"""Sessions in and out: importing files of many systems, exporting sessions, taking an import back."""
