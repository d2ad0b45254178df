"""The order n of a model: it predicts a token from the n - 1 before it."""

from model.errors import MakemoreError

ORDERS = range(2, 65)


def check_order(n: int) -> None:
    """Let the orders pass that the product knows.

    Raises:
        MakemoreError: `n` is not one of them.
    """
    if n not in ORDERS:
        raise MakemoreError(f"n={n} is no order; choose {ORDERS.start} to {ORDERS.stop - 1}")
