"""Pure rules and value types: no input or output, no clock, no asyncio, no SDK. Money is Decimal."""
