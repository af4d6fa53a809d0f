"""Lets ``python -m tap_smokeball`` run the tap."""

from tap_smokeball.tap import TapSmokeball

TapSmokeball.cli()
