"""
What Terraform's AWS provider does with the Lambda API, replayed with boto3: neither Terraform nor the provider can be
had where these tests run, for no package of Debian, PyPI or npm brings `terraform-provider-aws`.

Each class is one resource of hashicorp/terraform-provider-aws, `internal/service/lambda/`: the calls it makes in their
order, its waiters, the errors after which it repeats a call, and how it maps answers to attributes. Functions, aliases,
permissions, event invoke configs and layers are those of version 6; function URLs, provisioned concurrency and event
source mappings those of version 5, the newest of their files that could be read.
"""
