-- Ready is about customers, Progressing about a rollout, Stalled about the need for a person. Order matters: what stands
-- further up explains what stands further down.
local hs = {}

-- Reasons why Ready is False that name work in progress, not a fault.
local working = {Indexing = true, Loading = true, MigrationPending = true, RoutePending = true}

local found = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    found[condition.type] = condition
  end
end

local function is(type, status)
  return found[type] ~= nil and found[type].status == status
end

local function said(type)
  local text = found[type].message
  if text == nil or text == "" then
    text = found[type].reason or type
  end
  return text
end

local function because(type, reason)
  return found[type] ~= nil and found[type].status == "False" and found[type].reason == reason
end

local annotations = obj.metadata.annotations
if annotations ~= nil and annotations["supportplane.io/paused"] == "true" then
  hs.status = "Suspended"
  hs.message = "Paused: the operator changes nothing until the annotation supportplane.io/paused is taken away."
  return hs
end

if found["Ready"] == nil then
  hs.status = "Progressing"
  hs.message = "The operator has not reported yet."
  return hs
end

local observed = obj.status.observedGeneration
if observed ~= nil and obj.metadata.generation ~= nil and observed < obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "The operator has not seen the latest change yet."
  return hs
end

if is("Stalled", "True") then
  hs.status = "Degraded"
  hs.message = said("Stalled")
elseif because("Available", "ScaledToZero") then
  hs.status = "Suspended"
  hs.message = said("Available")
elseif is("Progressing", "True") then
  -- While customers get no answer, why they get none says more than that pods are on their way.
  hs.status = "Progressing"
  hs.message = said("Progressing")
  if is("Ready", "False") then
    hs.message = said("Ready")
  end
elseif is("Ready", "True") then
  hs.status = "Healthy"
  hs.message = said("Ready")
  if is("Degraded", "True") then
    hs.message = said("Degraded")
  end
elseif is("Ready", "False") and not working[found["Ready"].reason] then
  hs.status = "Degraded"
  hs.message = said("Ready")
else
  hs.status = "Progressing"
  hs.message = said("Ready")
end
return hs
