"""Unmodified boto3 clients of the server under test."""

import boto3
import botocore.config


def make_client(url, region="us-east-1", account="test", service="kms", secret="test", token=None):
    """`account` is an access key id: `test`, or twelve digits for the root user of that account."""
    quiet = botocore.config.Config(
        retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=120, parameter_validation=False
    )
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=quiet,
    )
