"""How fast we are: each benchmark times us and a plain way side by side.

`python -m tests.benchmarks` runs them all; nothing here is collected by pytest.
"""

import model  # noqa: F401 - before torch: it silences torch's warning that NumPy is missing
