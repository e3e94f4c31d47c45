# The kinds of a program. One translation unit is made for each, so that no compiler process needs much memory.
#
#   vlt_add_instances(NAME PRECISIONS fp32 bf16  PROJECTORS baseline mlp  FAMILIES llama  MASKS causal
#                          TUNINGS frozen adapted trainable)
#
# makes the object library NAME: sft_main, generate_main and merge_lora without their mains. Whoever links it includes
# <instances/kinds.hpp> and gets vlt::compiled_in_kinds(), to which a main may add kinds of its own. The words are those
# of the command line.
set(VLT_INSTANCE_TEMPLATES "${CMAKE_CURRENT_LIST_DIR}/instances")

# language.cpp.in that mentions @PRECISION@, @MASK@ and others becomes language_bf16_causal_frozen.cpp and so on.
function(vlt_instantiate_template template stem axes out)
  if(axes STREQUAL "")
    configure_file(${template} instances/${stem}.cpp @ONLY)
    set(${out} ${${out}} ${CMAKE_CURRENT_BINARY_DIR}/instances/${stem}.cpp PARENT_SCOPE)
    return()
  endif()
  list(POP_FRONT axes axis)
  foreach(value IN LISTS ${axis}_VALUES)
    set(${axis} ${value})
    vlt_instantiate_template(${template} ${stem}_${value} "${axes}" ${out})
  endforeach()
  set(${out} ${${out}} PARENT_SCOPE)
endfunction()

function(vlt_add_instances target)
  cmake_parse_arguments(PARSE_ARGV 1 with "" "" "PRECISIONS;PROJECTORS;FAMILIES;MASKS;TUNINGS")
  set(axes PRECISION PROJECTOR FAMILY MASK TUNING)
  set(lists PRECISIONS PROJECTORS FAMILIES MASKS TUNINGS)
  foreach(axis list IN ZIP_LISTS axes lists)
    if(NOT with_${list})
      message(FATAL_ERROR "vlt_add_instances(${target}): ${list} is empty")
    endif()
    set(${axis}_VALUES ${with_${list}})
  endforeach()

  set(sources)
  file(GLOB templates CONFIGURE_DEPENDS ${VLT_INSTANCE_TEMPLATES}/*.cpp.in)
  foreach(template IN LISTS templates)
    file(READ ${template} text)
    set(mentioned)
    foreach(axis IN LISTS axes)
      if(text MATCHES "@${axis}@")
        list(APPEND mentioned ${axis})
      endif()
    endforeach()
    get_filename_component(stem ${template} NAME_WE)
    vlt_instantiate_template(${template} ${stem} "${mentioned}" sources)
  endforeach()

  # What was instantiated there is declared, so that a file that adds kinds does not make it again.
  set(INSTANTIATED)
  foreach(source IN LISTS sources)
    file(READ ${source} text)
    if(text MATCHES "pretrained/make_")
      string(REGEX REPLACE ".*\ntemplate " "extern template " text "${text}")
      string(APPEND INSTANTIATED "${text}")
    endif()
  endforeach()
  list(TRANSFORM PRECISION_VALUES REPLACE "(.+)" "Policy<Device::cpu, named(precisions, \"\\1\")>" OUTPUT_VARIABLE POLICIES)
  list(TRANSFORM PROJECTOR_VALUES REPLACE "(.+)" "type_named<\"\\1\", ProjectorKinds>" OUTPUT_VARIABLE PROJECTORS)
  list(TRANSFORM FAMILY_VALUES REPLACE "(.+)" "type_named<\"\\1\", Families>" OUTPUT_VARIABLE FAMILIES)
  list(TRANSFORM MASK_VALUES PREPEND "MaskKind::" OUTPUT_VARIABLE MASKS)
  list(TRANSFORM TUNING_VALUES PREPEND "Tuning::" OUTPUT_VARIABLE TUNINGS)
  foreach(list POLICIES PROJECTORS FAMILIES MASKS TUNINGS)
    list(JOIN ${list} ", " ${list})
  endforeach()
  configure_file(${VLT_INSTANCE_TEMPLATES}/kinds.hpp.in instances/kinds.hpp @ONLY)

  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PUBLIC vlt::vlt)
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
