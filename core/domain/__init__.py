"""Pure rules and value types: no I/O, no clock, no asyncio, no SDK. Money is Decimal."""
