# `terraform init` names the bucket of the state; see README.md.
terraform {
  backend "gcs" {
    prefix = "tablegate"
  }
}
