"""
A record for each operation of the Lambda API: what AWS answers when it works, and when it is refused.

`record.py` says what a record is, `recorded.py` gathers them, the others are the records, a file for each family.
`test_operations.py` calls each through boto3; `docs/compatibility.md` shows which test stands for which operation.
"""
