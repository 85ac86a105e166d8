"""A process that ends as an engine with a defect does: ``python -m tests.headless.defect``."""

from __future__ import annotations

import sys

from headless.daemon import tell_defect

sys.excepthook = tell_defect
raise ExceptionGroup("tasks", [ExceptionGroup("inner", [KeyError("a price\nnobody expected")])])
