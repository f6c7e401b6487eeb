"""Google Cloud through the gcloud program. Needs the standard library alone."""
