"""Makes secrets and stores them in Secret Manager. Needs the standard library and gcloud alone."""
