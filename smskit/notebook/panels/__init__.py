"""
Panels for people who do not write code: choose and show, decide nothing.

A panel keeps what it knows in plain objects of the floors below and makes its
widgets from them, so that it can be drawn anew in another language, and so
that everything it does can be done from a cell as well.
"""
