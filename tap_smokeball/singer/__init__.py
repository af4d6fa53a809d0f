"""The Singer SDK's private members that the tap uses, and the writing of messages."""
