"""What releases are made of besides the single file: folders, archives, packages, manifests."""
