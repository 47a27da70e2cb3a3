"""Kettle: a small tea and coffee subscription, the application that Firstline supports out of the box.

It is a foreign application on purpose. It has its own state, its own sign-in and its own look, imports
nothing of Firstline, and meets it only over HTTP: the signed host contract, the user token, and the widget
script.
"""
