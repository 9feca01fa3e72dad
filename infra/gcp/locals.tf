data "google_project" "this" {
  project_id = var.project_id
}

locals {
  number = data.google_project.this.number

  # Described once, for the embedded platform too.
  described = { for one in jsondecode(file("${path.module}/../functions.json")) : one.name => one }
  schedule  = { for one in jsondecode(file("${path.module}/../schedule.json")) : one.name => one }
  access    = jsondecode(file("${path.module}/access.json"))

  # Each function: how it is called, what it may touch, and its size.
  functions = {
    for name, one in local.described : name => merge(one, local.access[name], {
      title         = replace(name, "_", "-")
      memory        = try(coalesce(var.sizes[name].memory), local.access[name].memory)
      cpu           = try(coalesce(var.sizes[name].cpu), local.access[name].cpu)
      max_instances = try(coalesce(var.sizes[name].max_instances), local.access[name].max_instances)
      min_instances = try(var.sizes[name].min_instances, 0)
      pool          = try(coalesce(var.sizes[name].pool), local.access[name].pool)
      scheduled     = contains([for call in values(local.schedule) : lookup(call, "function", "")], name)
      # Known before the function is: Google makes this a custom audience of each function's service.
      audience = "https://${var.region}-${var.project_id}.cloudfunctions.net/${replace(name, "_", "-")}"
    })
  }

  with_database  = { for name, one in local.functions : name => one if one.database != "none" }
  with_warehouse = { for name, one in local.functions : name => one if one.warehouse != "none" }
  with_tokens    = { for name, one in local.functions : name => one if one.tokens }

  # One entry a push subscription, a bucket or a topic of a function.
  pushes = merge([
    for name, one in local.functions : {
      for push in one.push : "${push.topic}-to-${one.title}" => merge(push, { function = name })
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
