"""
`paddock deploy template.yaml`: the Lambda resources of an AWS SAM or CloudFormation template, made to stand in Paddock.

One way through: `document` and `parameters` read, `forms` checks what is read, `sam` (with `implied`) and `intrinsics`
resolve (together: `reading`), `standing` asks what is there, `planning` compares, `applying` makes the calls,
`printing` tells. Which calls make a resource is said by its kind: `functions`, `versions`, `urls`, `event_sources`,
`layers` (all: `kinds`).
"""
