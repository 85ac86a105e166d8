"""Accounts that take orders: every venue accepts only Approved requests and answers with events."""
