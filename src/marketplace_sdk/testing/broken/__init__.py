"""Adapters with one mistake each, which the conformance kits must catch.

They are for those who change a kit, and show those who write an adapter what is looked for.
"""
