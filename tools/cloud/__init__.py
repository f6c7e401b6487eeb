"""Google Cloud through the gcloud program. All but reading JSON needs no package."""
