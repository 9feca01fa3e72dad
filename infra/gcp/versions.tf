terraform {
  required_version = ">= 1.9"

  required_providers {
    # tests/infra checks these files against the schema of this version.
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    # Only this provider has API Gateway and the identities of Google's own agents.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project        = var.project_id
  region         = var.region
  default_labels = { app = var.name }
}

provider "google-beta" {
  project        = var.project_id
  region         = var.region
  default_labels = { app = var.name }
}
