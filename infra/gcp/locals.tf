data "google_project" "this" {
  project_id = var.project_id
}

locals {
  number = data.google_project.this.number

  # The function.json of each folder; infra/README.md explains its keys.
  described = {
    for file in fileset("${path.module}/../../functions", "*/function.json") :
    dirname(file) => jsondecode(file("${path.module}/../../functions/${file}"))
  }

  # Each function: what calls it, its limits, and what it may touch.
  functions = {
    for name, one in local.described : name => merge(
      one.trigger,
      one.limits,
      { min_instances = 0 },
      { for limit, value in try(var.sizes[name], {}) : limit => value if value != null },
      one.permissions,
      {
        title     = replace(name, "_", "-")
        scheduled = anytrue([for job in one.trigger.schedule : can(job.path)])
        # Known before the function exists: Google makes this a custom audience of each function's service.
        audience = "https://${var.region}-${var.project_id}.cloudfunctions.net/${replace(name, "_", "-")}"
      },
    )
  }

  with_database  = { for name, one in local.functions : name => one if one.database != "none" }
  with_warehouse = { for name, one in local.functions : name => one if one.warehouse != "none" }
  with_tokens    = { for name, one in local.functions : name => one if one.tokens }

  # Functions that answer calls; the others take pushes and events only.
  with_calls = { for name, one in local.functions : name => one if one.signature == "http" && (one.tokens || length(one.push) == 0) }

  # One entry for each push subscription, scheduled job, bucket and topic of a function.
  pushes = merge([
    for name, one in local.functions : {
      for push in one.push : "${push.topic}-to-${one.title}" => merge(push, { function = name })
    }
  ]...)
  jobs = merge([
    for name, one in local.functions : {
      for job in one.schedule : job.name => merge(job, { function = name })
    }
  ]...)
  bucket_grants = merge([
    for name, one in local.functions : {
      for bucket, grant in one.buckets : "${name}/${bucket}" => { function = name, bucket = bucket, grant = grant }
    }
  ]...)
  publishers = merge([
    for name, one in local.functions : {
      for topic in one.publishes : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)
}
