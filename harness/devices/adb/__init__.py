"""Phones behind adb servers. Imports without torch."""
