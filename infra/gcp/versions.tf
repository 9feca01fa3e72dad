terraform {
  required_version = ">= 1.9"

  required_providers {
    # The version whose schema tests/infra checks these files against.
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    # API Gateway and the identities of Google's own agents are in this one only.
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
