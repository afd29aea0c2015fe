"""How phones are reached: two small protocols, their errors, and holding on through cuts.

A transport is one module that finds phones and gives each the commands and the files of ``phone``.
Everything else is written once above that: verified pushes, claimed runs, health, the runner.
"""
