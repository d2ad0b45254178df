"""The one error that a user can mend."""


class MakemoreError(Exception):
    """Something a user can cause and mend.

    Its message is one line that says what happened, where, and what to do. The command line prints
    it and exits with 1; the app shows it and keeps what was open.
    """
