variable "project_id" {
  description = "Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 characters: small letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the functions, the database, the buckets and BigQuery: a load job wants its files beside it."
  type        = string
  nullable    = false
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Name a region, such as us-central1; multi-regions have no functions."
  }
}

variable "gateway_region" {
  description = "Region of the API gateway, which Google offers in fewer of them."
  type        = string
  nullable    = false
  default     = "us-central1"
}

variable "name" {
  description = "What names of the project's resources begin with, so that two platforms fit in one project."
  type        = string
  nullable    = false
  default     = "tablegate"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.name))
    error_message = "2 to 12 small letters and digits: accounts' names, which begin with it, have 30 at most."
  }
}

variable "build_folder" {
  description = "Folder that `python -m infra.release` has filled: the functions' zips and the gateway's document."
  type        = string
  nullable    = false
  default     = "../../build"
}

variable "packages" {
  description = "Digest of each function's zip, by function; release.tfvars.json in the build folder holds it."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for digest in values(var.packages) : can(regex("^[0-9a-f]{64}$", digest))])
    error_message = "A digest is SHA-256 in hex; `python -m infra.release` writes them."
  }
}

variable "runtime" {
  description = "Python of the functions."
  type        = string
  nullable    = false
  default     = "python312"

  validation {
    condition     = can(regex("^python31[1-4]$", var.runtime))
    error_message = "The platform needs Python 3.11 or newer."
  }
}

variable "database" {
  description = "The Cloud SQL instance: version, machine, disk, connections, whether it has a standby, and whether it may be deleted."
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
    error_message = "Edition ENTERPRISE has db-custom-CPUS-MEGABYTES, db-f1-micro and db-g1-small."
  }
}

variable "sizes" {
  description = "Sizes of functions other than access.json's, by function."
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
    error_message = "There is no such function; infra/functions.json has them all."
  }
}

variable "tokens_version" {
  description = "Version of the secret that holds the tokens. A number instead of `latest` makes a change reach every running instance at once."
  type        = string
  nullable    = false
  default     = "latest"

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.tokens_version))
    error_message = "`latest`, or the number of a version."
  }
}

variable "callers" {
  description = "Principals who may call the functions past the gateway, with an identity token: operators of long restores, say."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.callers : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name them: user:, group:, serviceAccount: or domain:. No function is open to everybody."
  }
}

variable "uploaders" {
  description = "Principals who may drop files in the uploads bucket."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.uploaders : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name them: user:, group:, serviceAccount: or domain:. The bucket is open to nobody else."
  }
}

variable "analysts" {
  description = "Principals who may read the reporting views, in Looker Studio say."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.analysts : can(regex("^(user|group|serviceAccount|domain):.+", one))])
    error_message = "Name them: user:, group:, serviceAccount: or domain:."
  }
}

variable "backfill" {
  description = "Dataflow Flex Template that loads files too large for one call, and the image of its workers; without it they go to failed."
  type = object({
    template = optional(string, "")
    image    = optional(string, "")
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^(|gs://.+)$", var.backfill.template))
    error_message = "A template is an object: gs://bucket/object."
  }

  validation {
    condition     = (var.backfill.template == "") == (var.backfill.image == "")
    error_message = "A template and its image go together: infra/backfill/cloudbuild.yaml makes both."
  }
}

variable "keep_days" {
  description = "Days that files are kept: loaded, failed, on their way to BigQuery, and backups that were deleted or overwritten."
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
  description = "Addresses that alerts are sent to."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for one in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", one))])
    error_message = "An address has one @ and no blanks."
  }
}

variable "lag_minutes" {
  description = "How long a message may wait to be worked before an alert says so."
  type        = number
  nullable    = false
  default     = 15

  validation {
    condition     = var.lag_minutes >= 5
    error_message = "At least 5: a sweep comes every 5 minutes, and an alert that fires in between is noise."
  }
}
