"""The function host: runs Lambda functions as processes under AWS's own runtime client."""
