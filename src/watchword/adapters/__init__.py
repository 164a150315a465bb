"""Thin shells that put the guard in front of an application: each knows one interface or framework, and decides nothing."""
