# Which bucket holds the state is said at `terraform init`; see README.md.
terraform {
  backend "gcs" {
    prefix = "tablegate"
  }
}
