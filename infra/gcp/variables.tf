variable "project_id" {
  description = "Google Cloud project of the platform."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 characters: lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the functions, the database, the buckets and BigQuery. They share one, because a load job needs its files in its own region."
  type        = string
  nullable    = false
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Name a region, such as us-central1; a multi-region cannot run functions."
  }
}

variable "gateway_region" {
  description = "Region of the API gateway, which Google offers in fewer regions."
  type        = string
  nullable    = false
  default     = "us-central1"
}

variable "name" {
  description = "Prefix of all names of resources, so that two platforms fit in one project."
  type        = string
  nullable    = false
  default     = "tablegate"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.name))
    error_message = "Use 2 to 12 lower-case letters and digits: the names of accounts begin with it and have at most 30 characters."
  }
}

variable "build_folder" {
  description = "Folder that `python -m infra.release` wrote, with the functions' zips and the gateway's document."
  type        = string
  nullable    = false
  default     = "../../build"
}

variable "packages" {
  description = "Digest of the zip of each function; release.tfvars.json in the build folder has them."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for digest in values(var.packages) : can(regex("^[0-9a-f]{64}$", digest))])
    error_message = "A digest is a SHA-256 in hex; `python -m infra.release` writes them."
  }
}

variable "runtime" {
  description = "Python version of the functions."
  type        = string
  nullable    = false
  default     = "python312"

  validation {
    condition     = can(regex("^python31[1-4]$", var.runtime))
    error_message = "The platform needs Python 3.11 or newer."
  }
}

variable "database" {
  description = "The Cloud SQL instance: version of PostgreSQL, machine, disk, connections, standby, and protection against deletion."
  type = object({
    version             = optional(string, "POSTGRES_18")
    tier                = optional(string, "db-custom-2-7680")
    disk_gb             = optional(number, 20)
    max_connections     = optional(number, 300)
    highly_available    = optional(bool, false)
    deletion_protection = optional(bool, true)
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^POSTGRES_1[5-8]$", var.database.version))
    error_message = "The platform's SQL needs PostgreSQL 15 or newer; it is tested with 18."
  }

  validation {
    condition     = can(regex("^db-(custom-[0-9]+-[0-9]+|f1-micro|g1-small)$", var.database.tier))
    error_message = "Edition ENTERPRISE offers db-custom-CPUS-MEGABYTES, db-f1-micro and db-g1-small."
  }
}

variable "sizes" {
  description = "Limits by function that replace those of its function.json."
  type = map(object({
    memory        = optional(string)
    cpu           = optional(string)
    max_instances = optional(number)
    min_instances = optional(number, 0)
    pool          = optional(number)
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for name in keys(var.sizes) : contains(keys(local.described), name)])
    error_message = "No such function; the folders in functions/ name them all."
  }
}

variable "tokens_version" {
  description = "Version of the secret that holds the tokens. Change a number to replace the tokens of every running instance at once; `latest` reaches an instance when it starts."
  type        = string
  nullable    = false
  default     = "latest"

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.tokens_version))
    error_message = "Use `latest` or the number of a version."
  }
}

variable "callers" {
  description = "Principals who may bypass the gateway and call HTTP functions with an identity token, for example operators who run long restores."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.callers : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name principals as user:, group:, serviceAccount: or domain:. No function is public."
  }
}

variable "uploaders" {
  description = "Principals who may upload files to the uploads bucket."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.uploaders : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name principals as user:, group:, serviceAccount: or domain:. The bucket is not public."
  }
}

variable "analysts" {
  description = "Principals who may read the reporting views, for example in Looker Studio."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.analysts : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name principals as user:, group:, serviceAccount: or domain:."
  }
}

variable "backfill" {
  description = "Dataflow Flex Template that loads files too large for one call, and the image of its workers. Without it such files move to failed."
  type = object({
    template = optional(string, "")
    image    = optional(string, "")
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^(|gs://.+)$", var.backfill.template))
    error_message = "A template is an object, gs://bucket/object."
  }

  validation {
    condition     = (var.backfill.template == "") == (var.backfill.image == "")
    error_message = "Set the template and the image together; infra/backfill/cloudbuild.yaml builds both."
  }
}

variable "keep_days" {
  description = "Days before files are deleted: loaded files, failed files, exports for BigQuery, and backups that were deleted or overwritten."
  type = object({
    processed       = optional(number, 90)
    failed          = optional(number, 90)
    staging         = optional(number, 1)
    deleted_backups = optional(number, 30)
  })
  nullable = false
  default  = {}
}

variable "alert_emails" {
  description = "E-mail addresses that receive the alerts."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", one))])
    error_message = "An address has one @ and no spaces."
  }
}

variable "lag_minutes" {
  description = "Minutes that a message may wait before an alert is sent."
  type        = number
  nullable    = false
  default     = 15

  validation {
    condition     = var.lag_minutes >= 5
    error_message = "Use at least 5: the sweep runs every 5 minutes, and an alert before it would be noise."
  }
}
