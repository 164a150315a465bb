"""Offers the names of other libraries over a guard, so that an application moves by changing an import."""
