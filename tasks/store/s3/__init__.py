"""The backend that keeps objects in an S3 bucket."""
