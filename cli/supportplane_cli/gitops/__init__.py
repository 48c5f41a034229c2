"""A team's own repository for GitOps: written from this release's trees, its images listed, its changes promoted."""
