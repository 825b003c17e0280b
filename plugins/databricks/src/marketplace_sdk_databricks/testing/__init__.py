"""A strict fake of Databricks over real HTTP, for tests with the unmodified SDK.

It is our reading of the documentation, written without a workspace to compare it with: stricter
than the service where in doubt, and no proof of how the service behaves.
"""

from marketplace_sdk_databricks.testing._evaluator import QueryFails
from marketplace_sdk_databricks.testing._fake import FakeDatabricks
from marketplace_sdk_databricks.testing._faults import Fault, Faults
from marketplace_sdk_databricks.testing._values import Call, Sight

__all__ = ["Call", "FakeDatabricks", "Fault", "Faults", "QueryFails", "Sight"]
