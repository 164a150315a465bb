"""One module for each version of the schema: `upgrade(op)` brings the tables of the version before to it.

They are modules like any other, and not scripts that alembic looks for on a disk: a package that is imported from a zip file has them,
too. Nothing here uses `alembic.op`, which may belong to a migration of the application that is running just now.
"""
