"""Test-time compute: programs that turn one user task into many requests, and what they buy."""
