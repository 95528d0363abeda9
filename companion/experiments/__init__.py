"""The experiments of the notebooks as functions of a configuration, one module a topic.

Each returns plain tables and numbers; nothing here draws, writes or prints.
"""
