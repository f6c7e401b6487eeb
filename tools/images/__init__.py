"""The container images of deploy.yaml, pinned by digest."""
